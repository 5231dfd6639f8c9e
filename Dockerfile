# Runs a watch from the package, by a user without rights. Make the package first:
#   npm pack && docker build --tag starlift .
# The project lies in /project, read-only for all that it is asked; /data is the data folder.
FROM node:24.21.0-trixie-slim
COPY starlift-*.tgz /tmp/
RUN npm install --global --omit=peer --no-audit --no-fund /tmp/starlift-*.tgz \
  && rm -rf /tmp/starlift-*.tgz /root/.npm \
  && install --directory --owner=1000 --group=1000 /project /data
USER 1000:1000
WORKDIR /project
VOLUME /data
HEALTHCHECK --interval=60s --timeout=30s --start-period=120s CMD ["starlift", "status", "--data", "/data"]
ENTRYPOINT ["starlift"]
CMD ["run", "--watch", "--data", "/data"]
