import { ERROR_CODES, type ErrorCode } from '../contract/error-codes.ts';

export interface ApiErrorOptions {
  issues?: { path: string; message: string }[];
  /** Seconds; sent as `Retry-After`. */
  retryAfterSeconds?: number;
  /** Further top-level fields of the body, such as the holder's `lock`. */
  body?: Record<string, unknown>;
}

/** An answer that is not a success: thrown by routes, turned into the contract's error body by the server. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly code: ErrorCode;
  readonly options: ApiErrorOptions;
  constructor(code: ErrorCode, detail?: string, options: ApiErrorOptions = {}) {
    super(detail ?? ERROR_CODES[code].meaning);
    this.code = code;
    this.options = options;
  }
  get status(): number {
    return ERROR_CODES[this.code].status;
  }
}
