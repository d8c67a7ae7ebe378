/** When a load asks again for what it has asked for before, as clients do that lost an answer. */
export interface ReplaySchedule {
  /** One request in so many is a replay, every second at most; 0 for none. */
  readonly every: number;
  /**
   * How many purchases back the one lies that is asked for again. With more than there are
   * connections it has nearly always been answered by then.
   */
  readonly distance: number;
}

/** How many of the first `requests` requests are replays. */
export function replaysAmong(requests: number, every: number): number {
  return every === 0 ? 0 : Math.floor(requests / every);
}

/**
 * The number of the purchase that a request (counted from 0) is for: the next new one, or, in a
 * replay, one that an earlier request was for. New ones are numbered without gaps.
 */
export function purchaseOf(request: number, { every, distance }: ReplaySchedule): number {
  const next = request - replaysAmong(request, every);
  const isReplay = every > 0 && request % every === every - 1;
  return isReplay ? Math.max(0, next - distance) : next;
}
