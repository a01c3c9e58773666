package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// nobody is an environment in which no daemon can be reached.
func nobody(name string) string {
	if name == "BLCTL_SOCKET" {
		return "/nowhere"
	}
	return ""
}

// TestMTAConfig compares what mta-config prints with testdata/mtaconfig; the
// end-to-end scripts have the mail servers read it. -update writes it.
func TestMTAConfig(t *testing.T) {
	for _, server := range mtas {
		for mode := range mtaModes {
			t.Run(server+"/"+mode, func(t *testing.T) {
				var out, errs bytes.Buffer
				status := run(t.Context(), []string{"blctl", "mta-config", server, "--zone", "bl.test", "--mode", mode}, nil, &out, &errs, nobody)
				if status != exitDone {
					t.Fatalf("exit %d: %s", status, errs.String())
				}
				golden := filepath.Join("testdata", "mtaconfig", server+"-"+mode)
				if *update {
					if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(out.Bytes(), want) {
					t.Errorf("it is not what %s has:\n%s", golden, out.String())
				}
			})
		}
	}
}
