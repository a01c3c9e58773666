package man

import (
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
)

// Keep holds a page to what FILE.in makes of the parts; with update it writes
// the page first. It returns the page.
func Keep(file string, parts map[string]string, update bool) (string, error) {
	source, err := os.ReadFile(file + ".in")
	if err != nil {
		return "", fmt.Errorf("keeping the manual: %w", err)
	}
	page, err := Fill(string(source), parts)
	if err != nil {
		return "", err
	}
	if update {
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			return page, fmt.Errorf("keeping the manual: %w", err)
		}
	}
	if have, err := os.ReadFile(file); err != nil || string(have) != page {
		return page, fmt.Errorf("%s is not what the program says (%v): run this test with -update, and commit the page", file, err)
	}
	return page, nil
}

// FlagsOf are the options in a table of commands.
func FlagsOf(flags []cli.Flag) (all []Flag) {
	for _, f := range flags {
		one := Flag{Name: f.Names()[0]}
		if d, ok := f.(cli.DocGenerationFlag); ok {
			one.Usage = d.GetUsage()
			if before, rest, ok := strings.Cut(one.Usage, "`"); ok && d.TakesValue() {
				value, after, _ := strings.Cut(rest, "`")
				one.Value, one.Usage = value, before+value+after
			}
		}
		all = append(all, one)
	}
	return all
}
