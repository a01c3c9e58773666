package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// manyPrefixes is how many prefixes an operator lists at once.
const manyPrefixes = 5000

// opOperator: what an operator waits for: the first line about a night with as many changes as there are hosts, found at
// the beginning of it or at its end, and a list of prefixes from standard input, listed in one step.
func opOperator(ctx context.Context, o *operations, name string) error {
	d, err := o.daemon(ctx, name, o.data)
	if err != nil {
		return err
	}
	defer d.proc.stop()
	if _, err := d.load(ctx, o.data, false); err != nil {
		return err
	}
	took, err := o.many(ctx, d)
	if err != nil {
		return err
	}
	o.figure(name, fmt.Sprintf("%d prefixes from standard input", manyPrefixes), manyPrefixes/took.Seconds(), "prefixes/s")
	for _, asked := range [][]string{{"--since", "yesterday"}, {"--since", "yesterday", "--json"}, {"--since", "yesterday", "--reason", "manual"}} {
		var took []float64
		for range 5 {
			first, err := firstLine(ctx, o.env.blctl, append([]string{"--socket", d.socket, "changes"}, asked...)...)
			if err != nil {
				return err
			}
			took = append(took, millis(first))
		}
		o.figure(name, fmt.Sprintf("changes %s, first line of %d", strings.Join(asked, " "), len(o.data.hosts)), median(took), "ms")
	}
	return nil
}

// many lists prefixes with one command.
func (o *operations) many(ctx context.Context, d *dnsbld) (time.Duration, error) {
	var lines strings.Builder
	for n := range uint32(manyPrefixes) {
		fmt.Fprintln(&lines, addAddress(n))
	}
	cmd := exec.CommandContext(ctx, o.env.blctl, "--socket", d.socket, "add", "-", "--reason", "manual", "--max-changes", fmt.Sprint(manyPrefixes))
	cmd.Stdin = strings.NewReader(lines.String())
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("adding %d prefixes: %w: %s", manyPrefixes, err, tail(out, 300))
	}
	return time.Since(start), nil
}

// firstLine is how long a command takes to print its first line. It is ended then.
func firstLine(ctx context.Context, program string, args ...string) (time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	_, err = bufio.NewReader(out).ReadString('\n')
	took := time.Since(start)
	cancel()
	_ = cmd.Wait() // it was killed
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("blctl %s printed nothing", strings.Join(args, " "))
	}
	return took, err
}
