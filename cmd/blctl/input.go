package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"dnsbld/listing"
)

// input is the command line of one command. Its methods read arguments and flags as
// what they stand for. What cannot be read is kept in err, the first mistake of it,
// so that a command reads everything in one expression and looks once.
type input struct {
	*cli.Context
	now   func() time.Time
	stdin io.Reader
	warn  func(sentences []string)
	taken int // arguments that are no prefixes
	err   error
}

// fail keeps a mistake, if it is the first.
func (in *input) fail(err error) {
	if in.err == nil {
		in.err = err
	}
}

// checkArguments compares the number of arguments with what the command's
// usage names: capitals are arguments, brackets may be left out, dots repeat.
func (in *input) checkArguments() error {
	least, most := 0, 0
	for _, name := range strings.Fields(in.Command.ArgsUsage) {
		most++
		if !strings.HasPrefix(name, "[") {
			least++
		}
		if strings.HasSuffix(strings.TrimSuffix(name, "]"), "...") {
			most = math.MaxInt
		}
	}
	switch given := in.Args().Len(); {
	case given < least:
		return usageError("%s needs %s", in.Command.HelpName, in.Command.ArgsUsage)
	case given > most && most == 0:
		return usageError("%s takes no argument, not %s", in.Command.HelpName, listing.Quote(in.Args().First()))
	case given > most:
		return usageError("%s takes %s, and nothing more: %s", in.Command.HelpName, in.Command.ArgsUsage, listing.Quote(in.Args().Get(most)))
	}
	return nil
}

// checkText refuses text for people that is not UTF-8: JSON cannot carry it, so it
// would not come back as it was written. A greeting may be of any bytes.
func (in *input) checkText() error {
	for _, flag := range []string{"note", "public-note", "ticket", "owner", "ref"} {
		if !utf8.ValidString(in.String(flag)) {
			return usageError("--%s is not UTF-8: is the terminal set to another encoding?", flag)
		}
	}
	return nil
}

// prefix is the first argument as a subject; invalid if there is none.
func (in *input) prefix() listing.Subject {
	if !in.Args().Present() {
		return listing.Subject{}
	}
	return in.subject(in.Args().First())
}

// subjects are the arguments as subjects, those of standard input, one a line,
// where an argument is "-".
func (in *input) subjects() (first listing.Subject, more []listing.Subject) {
	var all []listing.Subject
	for _, text := range in.words() {
		if text == "-" {
			all = append(all, in.lines()...)
		} else {
			all = append(all, in.subject(text))
		}
	}
	if len(all) == 0 {
		if in.Args().Present() {
			in.fail(usageError("standard input names no prefix"))
		}
		return first, nil
	}
	return all[0], all[1:]
}

// words are the arguments, without the leading ones that a command has taken.
func (in *input) words() []string { return in.Args().Slice()[in.taken:] }

// lines are the subjects of standard input. Empty lines, and what follows a #,
// are left out. A mistake names its line; then nothing is sent of all of them.
func (in *input) lines() (all []listing.Subject) {
	lines := bufio.NewScanner(in.stdin)
	for n := 1; lines.Scan() && in.err == nil; n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		s, err := listing.ParseSubject(text)
		if e, ok := errors.AsType[*listing.Error](err); ok {
			at := *e
			at.Message = fmt.Sprintf("line %d of standard input: %s", n, e.Message)
			err = &at
		}
		if err != nil {
			in.fail(err)
		}
		all = append(all, s)
	}
	if err := lines.Err(); err != nil {
		in.fail(fmt.Errorf("reading standard input: %w", err))
	}
	return all
}

// subject is a text as an address or a prefix.
func (in *input) subject(text string) listing.Subject {
	s, err := listing.ParseSubject(text)
	if err != nil {
		in.fail(err)
	}
	return s
}

// within is the prefix that a flag holds; invalid if it is not given, which
// means everywhere.
func (in *input) within(flag string) listing.Subject {
	if !in.IsSet(flag) {
		return listing.Subject{}
	}
	return in.subject(in.String(flag))
}

// life is the duration that a flag holds, zero if it is not given.
func (in *input) life(flag string) listing.Life {
	if !in.IsSet(flag) {
		return 0
	}
	l, err := listing.ParseLife(in.String(flag))
	if err != nil {
		in.fail(err)
	}
	return l
}

// time is the instant that a flag holds, zero if it is not given.
func (in *input) time(flag string) time.Time {
	if !in.IsSet(flag) {
		return time.Time{}
	}
	t, remark, err := parseTime(in.String(flag), in.now(), time.Local)
	if err != nil {
		in.fail(err)
	}
	if remark != "" {
		in.warn([]string{remark})
	}
	return t
}

// count is the number that a flag holds, zero if it is not given. Zero itself is
// refused: nobody means "the first 0 entries".
func (in *input) count(flag string) int {
	if !in.IsSet(flag) {
		return 0
	}
	n, err := strconv.ParseUint(in.String(flag), 10, 31)
	if err != nil || n == 0 {
		in.fail(usageError("--%s takes a number from 1, not %s", flag, listing.Quote(in.String(flag))))
	}
	return int(n)
}

// options are what goes with every change. A command that lacks one of the flags
// leaves the option at its zero value.
func (in *input) options() listing.Options {
	o := listing.Options{DryRun: in.Bool("dry-run"), IdempotencyKey: in.String("idempotency-key"), MaxChanges: in.count("max-changes")}
	if in.IsSet("if-revision") {
		n, err := strconv.ParseUint(in.String("if-revision"), 10, 64)
		if err != nil {
			in.fail(usageError("--if-revision takes a revision, not %s", listing.Quote(in.String("if-revision"))))
		}
		r := listing.Revision(n)
		o.IfRevision = &r
	}
	if in.IsSet("idempotency-key") && o.IdempotencyKey == "" {
		in.fail(usageError("--idempotency-key is empty"))
	}
	return o
}
