package man

import (
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	got := Text(`Lists PREFIX. When it returns, see 'blctl show'. A range
takes --force.

  {"address":"192.0.2.7"}

.dot begins it, \n is no newline.

exit status: 0 done, or so already; 2 not a
revision; 5 changed

examples:
  blctl undo 8231 --note "x"`)
	want := `Lists PREFIX.
When it returns, see \fBblctl show\fP.
A range takes \-\-force.
.Bd -literal -offset indent
{"address":"192.0.2.7"}
.Ed
.Pp
\&.dot begins it, \en is no newline.
.Pp
Exit status:
.Bl -tag -width 3n -offset indent -compact
.It 0
done, or so already
.It 2
not a revision
.It 5
changed
.El
.Pp
Examples:
.Bd -literal -offset indent
blctl undo 8231 \-\-note "x"
.Ed
`
	if got != want {
		t.Errorf("%s\nwanted\n%s", got, want)
	}
}

func TestFlags(t *testing.T) {
	got := Flags([]Flag{{"public-note", "TEXT", "stands in the TXT record: TEXT"}, {"force", "", "list a range"}})
	want := `.Bl -tag -width indent
.It Fl \-public\-note Ar TEXT
Stands in the TXT record: TEXT.
.It Fl \-force
List a range.
.El
`
	if got != want || Flags(nil) != "" {
		t.Errorf("%s", got)
	}
}

func TestConfig(t *testing.T) {
	got := Config(`# Where it is.
data = "./var"

[listen]
# UDP and TCP.
dns = ["127.0.0.1:5300"]
# One less
# than processors.
# workers = 1
more = 2

# About thresholds.
[thresholds.x]
sessions = 2
`)
	want := `.Bl -tag -width indent
.It Va data No = Li """./var"""
Where it is.
.El
.Ss [listen]
.Bl -tag -width indent
.It Va dns No = Li "[""127.0.0.1:5300""]"
UDP and TCP.
.It Va workers No = Li "1"
.It Va more No = Li "2"
One less than processors.
.El
.Ss [thresholds.x]
About thresholds.
.Bd -literal -offset indent
sessions = 2
.Ed
`
	if got != want {
		t.Errorf("%s\nwanted\n%s", got, want)
	}
}

func TestFill(t *testing.T) {
	got, err := Fill("a\n@part@\nb@x.example\n", map[string]string{"part": ".Pp\n"})
	if err != nil || got != "a\n.Pp\nb@x.example\n" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := Fill("@other@\n", nil); err == nil || !strings.Contains(err.Error(), "@other@") {
		t.Errorf("%v", err)
	}
}
