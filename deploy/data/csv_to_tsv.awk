# A CSV table (quotes and commas inside quotes allowed, no line break inside a field) as tab-separated lines, n/a for an
# empty field. Every line must have as many fields as the first.

# Splits text into field[1..n] and returns n; -1 where a quote is not closed.
function split_csv(text, field,    n, value) {
  n = 0
  for (;;) {
    ++n
    if (substr(text, 1, 1) == "\"") {
      value = ""
      text = substr(text, 2)
      while (match(text, /"/)) {
        value = value substr(text, 1, RSTART - 1)
        text = substr(text, RSTART + 1)
        if (substr(text, 1, 1) != "\"") break
        value = value "\""
        text = substr(text, 2)
      }
      if (!RSTART) return -1
      field[n] = value
      if (text == "") return n
      if (substr(text, 1, 1) != ",") return -1
      text = substr(text, 2)
    } else if (match(text, /,/)) {
      field[n] = substr(text, 1, RSTART - 1)
      text = substr(text, RSTART + 1)
    } else {
      field[n] = text
      return n
    }
  }
}

function refuse(reason) {
  print FILENAME ":" FNR ": " reason > "/dev/stderr"
  exit 1
}

{
  sub(/\r$/, "")
  n = split_csv($0, field)
  if (n < 0) refuse("a quote is not closed, or something follows it")
  if (NR == 1) wanted = n
  if (n != wanted) refuse(n " fields, the first line has " wanted)
  line = ""
  for (i = 1; i <= n; ++i) {
    if (index(field[i], "\t")) refuse("field " i " holds a tab")
    line = line (i > 1 ? "\t" : "") (field[i] == "" ? "n/a" : field[i])
  }
  print line
}
