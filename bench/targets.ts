/** The figures to reach: two cores, the load generator on the same machine, ratios in one run. */
export const targets = {
  // Of 40 us in all, 21, 9 and 8, where a bare handler of the same run takes 11.
  costMax: 3.6,
  costNodeMax: 1.9,
  costRedisMax: 0.82,
  costWorkerMax: 0.73,
  fileBytesMax: 260,
  memoryBytesMax: 330,
  idleNodeMillisMax: 5,
  idleWorkerMillisMax: 4,
  primaryRatioMin: 0.75,
  soldOutRatioMin: 0.9,
  soldOutKeyedRatioMin: 0.6,
  edgeRatioMin: 0.65,
  upstreamPerSecondMax: 2,
  residentMegabytesMax: 150,
  ordersPerSecondMin: 20_000,
} as const;
