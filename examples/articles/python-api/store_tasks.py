import digdag


class MyWorkflow:
    def step1(self):
        digdag.env.store({"my_value": 1})

    def step2(self):
        print(f"step2: {digdag.env.params['my_value']}")
