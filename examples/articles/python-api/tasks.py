import digdag


class MyWorkflow:
    def step1(self):
        digdag.env.add_subtask(MyWorkflow.step3, arg1=1)

    def step2(self, my_value="default"):
        print(f"step2: {my_value}")

    def step3(self, arg1):
        print(f"step3: {arg1}")
