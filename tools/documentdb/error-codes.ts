// PostgreSQL and the engine report errors as SQLSTATEs of five characters; drivers act on MongoDB's numbers.
const CODE_OF_SQLSTATE: Readonly<Record<string, number>> = {
  // The engine's own states
  M0000: 1,
  M0001: 2,
  M0003: 9,
  M0004: 14,
  M0005: 15,
  M0006: 20,
  M00EW: 24,
  M0008: 26,
  M0009: 27,
  M000A: 28,
  M000D: 40,
  M000E: 43,
  M000F: 48,
  M00EX: 50,
  M000G: 52,
  M000J: 56,
  M000K: 57,
  M00EY: 59,
  M000M: 66,
  M000N: 67,
  M000O: 68,
  M000P: 72,
  M000Q: 73,
  M000R: 85,
  M000S: 86,
  M00F0: 91,
  M00F1: 112,
  M000U: 115,
  M00F2: 117,
  M00CO: 121,
  M000W: 146,
  M0012: 197,
  M0013: 224,
  M00F5: 225,
  M0015: 241,
  M00F6: 251,
  M00F7: 256,
  M0016: 263,
  M001B: 10334,
  M001C: 11000,
  M001D: 12587,
  M001H: 13113,
  M0030: 17080,
  M003A: 17419,
  M003B: 17420,
  M007U: 40324,
  M0088: 40415,
  // PostgreSQL's
  '23505': 11000, // unique violation
  '23P01': 11000, // exclusion violation: how the engine enforces some unique indexes
  '57014': 50, // query cancelled
  '40001': 112, // serialization failure
  '40P01': 112, // deadlock
  '55P03': 112, // lock timeout
};

const NAME_OF_CODE: Readonly<Record<number, string>> = {
  1: 'InternalError',
  2: 'BadValue',
  9: 'FailedToParse',
  14: 'TypeMismatch',
  24: 'LockTimeout',
  26: 'NamespaceNotFound',
  27: 'IndexNotFound',
  28: 'PathNotViable',
  40: 'ConflictingUpdateOperators',
  43: 'CursorNotFound',
  48: 'NamespaceExists',
  50: 'MaxTimeMSExpired',
  52: 'DollarPrefixedFieldName',
  59: 'CommandNotFound',
  66: 'ImmutableField',
  67: 'CannotCreateIndex',
  72: 'InvalidOptions',
  73: 'InvalidNamespace',
  85: 'IndexOptionsConflict',
  86: 'IndexKeySpecsConflict',
  91: 'ShutdownInProgress',
  112: 'WriteConflict',
  115: 'CommandNotSupported',
  121: 'DocumentValidationFailure',
  197: 'InvalidIndexSpecificationOption',
  224: 'QueryFeatureNotAllowed',
  251: 'NoSuchTransaction',
  263: 'OperationNotSupportedInTransaction',
  10334: 'BSONObjectTooLarge',
  11000: 'DuplicateKey',
};

export function codeOfSqlState(sqlState: string): number | undefined {
  return CODE_OF_SQLSTATE[sqlState];
}

export function nameOfCode(code: number): string {
  return NAME_OF_CODE[code] ?? 'UnknownError';
}

/**
 * The code of an entry of `writeErrors`: there the engine packs the SQLSTATE into one number, six bits a
 * character, the first character lowest. A number that is no packed state is passed through.
 */
export function codeOfPackedSqlState(packed: number): number {
  const characters = Array.from({ length: 5 }, (_, i) =>
    String.fromCharCode(((packed >> (6 * i)) & 0x3f) + 48),
  );
  return CODE_OF_SQLSTATE[characters.join('')] ?? packed;
}
