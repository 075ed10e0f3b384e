# The service in a container: docs/container.md. Build it in the repository's root:  docker build -t taxonaut .
FROM python:3.11-slim AS build

WORKDIR /source
COPY . .
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 TAXONAUT_WEIGHTS=/opt/models
RUN python -m venv /opt/taxonaut \
    && /opt/taxonaut/bin/pip install --constraint constraints.txt . \
    && /opt/taxonaut/bin/taxonaut models pull --yes

FROM python:3.11-slim

RUN useradd --uid 10001 --create-home taxonaut \
    && install --directory --owner taxonaut --group taxonaut /workspace
COPY --from=build /opt/taxonaut /opt/taxonaut
COPY --from=build /opt/models /opt/models
ENV PATH=/opt/taxonaut/bin:$PATH PYTHONUNBUFFERED=1 TAXONAUT_WEIGHTS=/opt/models TAXONAUT_WORKSPACE=/workspace
USER taxonaut
WORKDIR /workspace
VOLUME /workspace
EXPOSE 8765
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8765/api/health', timeout=4)"]
# The token comes from the environment: TAXONAUT_TOKEN. Without one, one is made and printed at each start.
CMD ["taxonaut", "serve", "--host", "0.0.0.0", "--port", "8765"]
