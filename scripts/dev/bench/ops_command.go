package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
)

// opCommand: what blctl itself costs, which a script pays for each command: CPU time of blctl status from its start to
// its end, the median of many runs on the generator's core, and the size of the program.
func opCommand(ctx context.Context, o *operations, name string) error {
	d, err := o.daemon(ctx, name, o.data)
	if err != nil {
		return err
	}
	defer d.proc.stop()
	const runs = 101
	cpu, err := commandCPU(ctx, runs, o.options.generatorCPU, o.env.blctl, "--socket", d.socket, "status")
	if err != nil {
		return err
	}
	o.figure(name, "blctl status, CPU of a run", median(cpu), "ms")
	program, err := os.Stat(o.env.blctl)
	if err != nil {
		return fmt.Errorf("measuring blctl: %w", err)
	}
	o.figure(name, "size of blctl", float64(program.Size())/1e6, "MB")
	return nil
}

// commandCPU runs a command again and again on one core and gives the CPU time of each run in milliseconds, user and
// system.
func commandCPU(ctx context.Context, runs, core int, args ...string) ([]float64, error) {
	var cpu []float64
	for range runs {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := onCPU(core, cmd.Start)
		if err == nil {
			err = cmd.Wait()
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %s", args[0], err, tail(out.Bytes(), 300))
		}
		cpu = append(cpu, float64(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())/1e6)
	}
	return cpu, nil
}
