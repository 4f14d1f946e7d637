import os


def print_arg(msg):
    print(f"Message is {msg}")


def print_arg_td(msg, td=None):
    print(f"'msg' is {msg} and 'td' is {td}")


def print_kwargs(msg, **kwargs):
    print(f"Message is {msg}")
    print(f"td is {kwargs['td']} and docker is {kwargs['docker']}")
    print(f"timezone is {kwargs['timezone']}")


def print_total(price, count):
    print(f"Total is {int(price) * count}")


def print_total_ng(price: int, count: int):
    # "120" * 3 is no error
    print(f"Total is {price * count}")


def print_env():
    print(f"Env var is {os.environ['MY_ENV_VAR']}")


def access_td():
    # Able to fetch API key like "1234/XXXX"
    apikey = os.environ["TD_API_KEY"]
    print(f"The key has {len(apikey)} characters")


def access_td_ng(apikey):
    # Always shows "${secret:td.apikey}" instead of actual API key like "1234/XXXX"
    print(apikey)


def read_workflow_env():
    import digdag

    print(digdag.env.params["my_msg"])


def store_workflow_env(msg):
    import digdag

    digdag.env.store({"my_msg": msg})


def build_query(table):
    feature_query = f"select * from {table}"
    try:
        import digdag

        digdag.env.store({"feature_query": feature_query})
    except ImportError:
        pass
    return feature_query


def error_sample():
    int("a1234")  # raises ValueError
