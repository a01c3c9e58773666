package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// operations measure what operating dnsbld costs: each a sub-benchmark on a store of its own.
type operations struct {
	env     *environment
	report  *report
	data    *dataset
	options options
	results []operation
}

type namedOperation struct {
	name string
	run  func(ctx context.Context, o *operations, name string) error
}

// allOperations in the order of the table.
func allOperations() []namedOperation {
	return []namedOperation{{"import", opImport}, {"ipsum", opIpsum}, {"texts", opTexts}, {"audit", opAudit}, {"command", opCommand}, {"add", opAdd}, {"operator", opOperator}, {"latency", opLatency}, {"workers", opWorkers},
		{"policy", opPolicy}, {"log", opLog}, {"visible", opVisible}, {"flood", opFlood}, {"transfer", opTransfer}, {"mirror", opMirror}, {"web", opWeb}}
}

func operationNames() []string {
	var names []string
	for _, op := range allOperations() {
		names = append(names, op.name)
	}
	return names
}

// run measures all that were asked for; one that fails is noted and the others go on.
func (o *operations) run(ctx context.Context) error {
	if o.env.dnsbld == "" || o.env.blctl == "" {
		o.report.note("operations are left out: dnsbld and blctl are not built")
		return nil
	}
	defer func() { o.report.operationTable(o.results) }()
	for _, op := range allOperations() {
		if !o.options.operations[op.name] {
			continue
		}
		o.report.progress("operation %s", op.name)
		if err := op.run(ctx, o, op.name); err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("operation %s: %w", op.name, errors.Join(ctx.Err(), err))
			}
			o.report.note("operation %s: %v", op.name, err)
		}
	}
	return nil
}

// often is how often something is done: a quarter as often with --quick, which has two minutes.
func (o *operations) often(times int) int {
	if o.options.quick {
		return (times + 3) / 4
	}
	return times
}

// figure keeps one result.
func (o *operations) figure(name, figure string, value float64, unit string) {
	op := operation{"operation", name, figure, value, unit}
	o.report.emit(op)
	o.results = append(o.results, op)
}

// daemon starts an empty dnsbld of its own for one operation.
func (o *operations) daemon(ctx context.Context, name string, d *dataset) (*dnsbld, error) {
	s, err := o.env.newSite("op-"+name, d)
	if err != nil {
		return nil, err
	}
	return startDnsbld(ctx, s, "")
}

// load makes the source "bench" equal d and waits until DNS answers for its last host. It returns how long that took,
// the writing of the file excepted.
func (d *dnsbld) load(ctx context.Context, data *dataset, replace bool) (time.Duration, error) {
	file := filepath.Join(d.site.dir, "list.txt")
	format, err := data.writeImport(file, d.site.zone)
	if err != nil {
		return 0, err
	}
	args := []string{"import", file, "--format", format, "--reason", "imported", "--source", "bench"}
	if replace {
		args = append(args, "--replace")
	}
	start := time.Now()
	if err := d.blctl(ctx, args...); err != nil {
		return 0, err
	}
	last := onlyQuery(addr4(data.hosts[len(data.hosts)-1]), d.site.zone, wantListed)
	if err := ask(d.site.addr, last, dnsbldServer().rules, time.Second); err != nil {
		return 0, fmt.Errorf("blctl import is done, but the last host is not answered: %w", err)
	}
	return time.Since(start), nil
}
