# One image for every part. All in one by default:
#   docker build -t podlab .
#   docker run --cap-add NET_ADMIN --network host -v /var/run/docker.sock:/var/run/docker.sock -v podlab:/var/lib/podlab podlab
# One part: --entrypoint python3 podlab -m orchestrator|agent|agent.proxy|registry --home HOME ...
# WHEELS names a folder of the build context to install the packages from, for a build without a network.
ARG BASE=python:3.12-slim
FROM ${BASE}
ARG WHEELS=""
COPY . /opt/podlab
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir ${WHEELS:+--no-index --find-links "/opt/podlab/$WHEELS"} -e /opt/podlab
ENV PATH=/opt/venv/bin:$PATH PODLAB_HOME=/var/lib/podlab
VOLUME /var/lib/podlab
WORKDIR /opt/podlab
ENTRYPOINT ["podlab"]
CMD ["run"]
