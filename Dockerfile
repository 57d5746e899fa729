# Cardfile with its embedded PostgreSQL; or point DATABASE_URL at a real one. Mount a volume at /data.
FROM node:22-bookworm-slim
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev && npm cache clean --force
COPY sql sql
COPY manual manual
COPY test/golden test/golden
COPY src src
COPY LICENSE ./
# PostgreSQL refuses to run as root.
RUN mkdir /data && chown node:node /data
USER node
ENV CRM_DATA=/data CRM_HOST=0.0.0.0
EXPOSE 8080
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK CMD ["node", "-e", "fetch('http://127.0.0.1:8080/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/cardfile.cjs", "serve"]
