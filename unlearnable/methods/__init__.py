"""Ways to make a set of posts unlearnable."""

from unlearnable.registry import Registry

METHODS = Registry(
    "method",
    {
        "mem": "unlearnable.methods.mem:MEM",
        "em": "unlearnable.methods.em:EM",
        "uap": "unlearnable.methods.uap:UAP",
        "random": "unlearnable.methods.random:RandomNoise",
    },
)
