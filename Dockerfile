# One image for every part: master, agent or all in one.
#   docker build -t podlab .
#   docker run --privileged --network host -v /var/run/docker.sock:/var/run/docker.sock -v podlab:/var/lib/podlab podlab
# WHEELS is a folder of the context with wheels to install from (for a build without a network); by default there is none.
ARG BASE=python:3.12-slim
FROM ${BASE}
ARG WHEELS=""
WORKDIR /opt/podlab
COPY . .
RUN python3 -m pip install --no-cache-dir ${WHEELS:+--no-index --find-links "$WHEELS" --no-build-isolation} -e .
ENV PODLAB_HOME=/var/lib/podlab
VOLUME /var/lib/podlab
ENTRYPOINT ["python3", "-m", "orchestrator.cli.main"]
CMD ["run"]
