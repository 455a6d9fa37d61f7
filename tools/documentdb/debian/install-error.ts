/** DocumentDB cannot be installed or started on this machine; the message says why and what helps. */
export class InstallError extends Error {
  override readonly name = 'InstallError';
}
