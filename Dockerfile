# The program on CPU. In the folder of this file:
#   docker build --tag unlearnable .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/work" unlearnable protect photos --captions posts.jsonl
FROM python:3.12-slim
COPY pyproject.toml README.md LICENSE /source/
COPY unlearnable /source/unlearnable
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu /source
ENV HOME=/tmp
WORKDIR /work
USER 65534
ENTRYPOINT ["unlearnable"]
