// Command dnsbld is the daemon: it owns the list, answers DNS from it, and
// takes commands over a control socket. This package ties the rooms of the
// house together and holds the configuration; it knows no DNS and no storage
// details.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args, os.Stdout, os.Stderr))
}
