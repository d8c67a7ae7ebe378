/** The figures to reach: two cores, the load generator on the same machine, ratios in one run. */
export const targets = {
  soldRatioMin: 0.7,
  primaryRatioMin: 0.75,
  soldOutRatioMin: 0.9,
  soldOutKeyedRatioMin: 0.6,
  edgeRatioMin: 0.65,
  upstreamPerSecondMax: 2,
  residentMegabytesMax: 150,
  ordersPerSecondMin: 20_000,
} as const;
