// Command blctl is how people and scripts change and question the list of a
// dnsbld. Each command reads its arguments, calls the daemon through package
// ctl, and prints what came back: for people, or with --json for programs.
// With --offline it does the same on a store that no daemon has open.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// main ends with the status that run gives. SIGINT and SIGTERM cancel what is under way.
func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr, os.Getenv)
	stop()
	os.Exit(status)
}
