// measure runs a program to its end and prints a line of JSON with what it took. It is as small as can be, because
// Linux starts the peak of a child's memory at that of its parent.
//
//	measure PROGRAM [ARGUMENT...]
package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"syscall"
	"time"
)

func main() {
	command := exec.Command(os.Args[1], os.Args[2:]...)
	command.Stderr = os.Stderr
	start := time.Now()
	err := command.Run()
	wall := time.Since(start)
	if command.ProcessState == nil {
		panic(err)
	}
	state := command.ProcessState
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"status":   state.ExitCode(),
		"wallMs":   float64(wall.Microseconds()) / 1000,
		"cpuMs":    float64((state.UserTime() + state.SystemTime()).Microseconds()) / 1000,
		"rssBytes": state.SysUsage().(*syscall.Rusage).Maxrss * 1024,
	})
}
