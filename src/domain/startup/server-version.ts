/** Whether `version` (`7.0.14`, `7.2.0-rc1`) is at least major.minor; undefined when it is no version. */
export function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean | undefined {
  const [, ownMajor, ownMinor] = /^(\d+)\.(\d+)(?:\D|$)/.exec(version) ?? [];
  if (ownMajor === undefined || ownMinor === undefined) return undefined;
  return Number(ownMajor) > major || (Number(ownMajor) === major && Number(ownMinor) >= minor);
}
