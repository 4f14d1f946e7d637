import subprocess
import sys


def packages():
    # arguments should be passed by list
    subprocess.run([sys.executable, "-m", "pip", "install", "--upgrade", "pytd==1.4.3"], check=True)
