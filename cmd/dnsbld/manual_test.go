package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"dnsbld/cmd/dnsbld/config"
	"dnsbld/listing"
	"dnsbld/scripts/dev/man"
)

var update = flag.Bool("update", false, "write the pages of the manual")

// The manual is made from what the commands and the example configuration say:
// -update writes it, and otherwise it must be what stands there.
func TestManual(t *testing.T) {
	if _, err := man.Keep("man/dnsbld.8", map[string]string{"commands": commandsPart(newApp(io.Discard, io.Discard).Commands)}, *update); err != nil {
		t.Error(err)
	}
	_, keys, _ := strings.Cut(config.Example, "\n\n") // the page says by itself what it is about
	page, err := man.Keep("man/dnsbld.toml.5", map[string]string{"keys": man.Config(keys), "reasons": reasonsPart(listing.DefaultReasons())}, *update)
	if err != nil {
		t.Error(err)
	}

	_, least, _ := strings.Cut(page, "The least that a zone in use needs:\n.Bd -literal -offset indent\n")
	least, _, _ = strings.Cut(least, ".Ed\n")
	if c, err := parse(t, least); err != nil || len(c.Zone.Zones) != 1 {
		t.Errorf("the least configuration of the manual: %v", err)
	}
}

func reasonsPart(infos []listing.ReasonInfo) string {
	var b strings.Builder
	b.WriteString(".Bl -tag -width indent\n")
	for _, i := range infos {
		shown := "Published."
		if !i.Published {
			shown = "Recorded only: answered in zones that name it."
		}
		fmt.Fprintf(&b, ".It Li %s No (%d)\n%s", strings.ReplaceAll(i.Symbol, "-", `\-`), i.Code, man.Text("The address "+i.Text+". "+i.Explanation+" "+shown))
	}
	return b.String() + ".El\n"
}

func commandsPart(commands []*cli.Command) string {
	var b strings.Builder
	for _, c := range commands {
		if c.Hidden { // no person gives it
			continue
		}
		about, rest, _ := strings.Cut(c.Description, "\n\nexit status: ")
		b.WriteString(".Ss " + c.Name + "\n" + man.Text(about) + man.Flags(man.FlagsOf(c.Flags)) + ".Pp\n" + man.Text("exit status: "+rest))
	}
	return b.String()
}
