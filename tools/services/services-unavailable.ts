/** MongoDB or Redis could not be found or started; the message says what a person can do about it. */
export class ServicesUnavailable extends Error {
  override readonly name = 'ServicesUnavailable';
}

const REMEDIES = `Any one of these helps:
  1. set MONGODB_URL (a replica set or mongos, 6.0 or newer) and REDIS_URL (6.2 or newer) to running servers;
  2. install mongod and redis-server, or run "docker compose up -d mongodb redis" and set the two URLs;
  3. run this as root on Debian, which installs both from Debian's packages.`;

/** The one error for "tried everything": `tried` is what was looked for and why it did not do, in order. */
export function nothingFound(service: 'MongoDB' | 'Redis', tried: readonly string[]): ServicesUnavailable {
  return new ServicesUnavailable(`No ${service} was found: ${tried.join('; ')}.\n${REMEDIES}`);
}
