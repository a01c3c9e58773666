package main

import (
	"context"
	_ "embed"
	"fmt"
	"os/exec"
)

//go:embed echo.c
var echoSource string

// echoServer is the limit: what the kernel alone takes.
func echoServer() candidate {
	return candidate{
		name: "echo", cover: coverage{spans: true, v6: true}, rules: rules{echo: true},
		setup: func(ctx context.Context, s site) ([]string, error) {
			cc, err := program("cc")
			if err != nil {
				return nil, err
			}
			if err := s.write("echo.c", echoSource); err != nil {
				return nil, err
			}
			cmd := exec.CommandContext(ctx, cc, "-O2", "-Wall", "-o", s.path("echo"), s.path("echo.c"))
			if out, err := cmd.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("compiling echo.c: %w: %s", err, out)
			}
			return []string{s.path("echo"), s.port()}, nil
		},
	}
}
