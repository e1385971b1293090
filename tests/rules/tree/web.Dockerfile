FROM node:22
USER node
RUN npm ci
# ruleid: dockerfile-root-user
USER root
CMD ["node", "server.js"]
