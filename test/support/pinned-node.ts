const OLDEST = [22, 18] as const;

/** Throws where vitest runs on a Node that is too old: it does so silently when install scripts are off. */
export function assertPinnedNode(version: string = process.versions.node): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new Error(
    `Node ${version} runs the tests, ${OLDEST.join('.')} or newer is needed: ` +
      'remove node_modules and run npm test again, with install scripts allowed for the package "node"',
  );
}
