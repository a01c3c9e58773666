// Command blctl is how people and scripts change and question the list of a
// dnsbld. Each command reads its arguments, calls the daemon through package
// ctl, and prints what came back: for people, or with --json for programs.
// With --offline it does the same on a store that no daemon has open.
//
// How it is laid out: commands.go is the table of commands, help/ has what each
// says of itself and its flags, and each group of commands has a file with what
// it reads, what it calls, and how it prints. Every command ends in conclude (output.go), which
// knows the JSON; finish (exit.go) knows the exit statuses; hints.go has the
// words about refusals whose remedy is a command of this program.
//
// Invariants: a mistake on the command line is found before anything is sent;
// stdout has the result alone, and with --json nothing but JSON; bytes from
// outside pass clean before a terminal sees them; a command starts quickly, so
// nothing is compiled or read that this run does not need.
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
