# shellcheck shell=bash
# What was measured. A line each in FIGURES; printed as one table when all tests have run.

# figure WHAT VALUE UNIT [LIMIT]
figure() {
  printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "${4-}" >>"$FIGURES"
  echo "figure: $1: $2 $3${4:+ (limit $4)}"
}

print_figures() {
  {
    printf 'measured\tfigure\tunit\tlimit\n'
    cat -- "$FIGURES"
  } | awk -F '\t' '
    { for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (length($i) > width[i]) width[i] = length($i) } }
    END {
      for (row = 1; row <= NR; row++) {
        line = sprintf("%-*s  %*s  %-*s  %*s", width[1], cell[row, 1], width[2], cell[row, 2],
          width[3], cell[row, 3], width[4], cell[row, 4])
        sub(/ +$/, "", line)
        print line
      }
    }'
}
