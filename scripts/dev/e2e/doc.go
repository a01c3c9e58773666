// Package e2e holds the end-to-end tests; see e2e_test.go, and run them with
// go test -tags e2e ./scripts/dev/e2e.
package e2e
