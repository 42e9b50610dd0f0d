# Fed-TCGA-BRCA (tables centers, train_test_split, brca) to the tables patients, labels and columns of lay_out.
# A patient's region is that of his tissue source site, the second field of the barcode; the published split numbers the
# regions in its own order, so both must agree one to one. Patients outside the split are left out, as published.

function refuse(reason) {
  print FILENAME ":" FNR ": " reason > "/dev/stderr"
  failed = 1
  exit 1
}

FNR == 1 { ++table }

table == 1 {
  region[$1] = tolower($NF)
  next
}

table == 2 && FNR == 1 {
  print "participant_id", "split" > (tables "/labels")
  next
}

table == 2 {
  if ($2 != "train" && $2 != "test") refuse("fold is '" $2 "', wanted train or test")
  split($1, barcode, "-")
  if (!(barcode[2] in region)) refuse("no centre has the code " barcode[2])
  number = $3
  sub(/^.*_/, "", number)
  home = region[barcode[2]]
  if ((number in region_of) && region_of[number] != home)
    refuse("region " number " is both " region_of[number] " and " home)
  if ((home in number_of) && number_of[home] != number)
    refuse(home " is region " number_of[home] " and " number)
  region_of[number] = home
  number_of[home] = number
  site[$1] = home
  print $1, $2 > (tables "/labels")
  next
}

FNR == 1 {
  if ($1 != "pid" || $(NF - 1) != "E" || $NF != "T") refuse("wanted the columns pid, ..., E, T")
  line = "site" OFS "participant_id"
  for (i = 2; i <= NF - 2; ++i) {
    code = sprintf("f%02d", i - 1)
    line = line OFS code
    if ($i == "age_at_index") print code, "age_at_index", "year", "-" > (tables "/columns")
    else print code, $i, "-", "0=no;1=yes" > (tables "/columns")
  }
  print line, "os_day", "os_event" > (tables "/patients")
  next
}

!($1 in site) {
  ++outside
  next
}

{
  line = site[$1] OFS $1
  for (i = 2; i <= NF - 2; ++i) line = line OFS $i
  day = $NF
  event = $(NF - 1)
  sub(/\.0$/, "", day)
  sub(/\.0$/, "", event)
  print line, day, event > (tables "/patients")
}

END {
  if (failed) exit 1
  if (outside) print "lay_out: " outside " patients are outside the published split and left out"
}
