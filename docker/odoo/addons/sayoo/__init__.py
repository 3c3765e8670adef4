from . import controllers, proof

proof.install()
