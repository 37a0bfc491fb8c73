"""What was set at run time in classes of the script is the same in every pool, whatever threads there are."""

import threading
import time

from pools import Pool


class Model:
    scale = 1

    def predict(self, x):
        return x * self.scale


# %%
Model.scale = 5
with Pool(2) as pool:
    print(list(pool.imap(Model().predict, [1, 2, 3])))
threading.Thread(target=time.sleep, args=(3,), daemon=True).start()
with Pool(2) as pool:
    print(list(pool.imap(Model().predict, [1, 2, 3])))
