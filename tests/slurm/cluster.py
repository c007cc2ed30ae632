"""A real SLURM of two nodes on this machine, for the tests: two daemons that call themselves node1 and node2.

It lives in one folder and in a mount namespace of its own, because SLURM's commands look for their configuration in
/etc/slurm. Nothing of the host is touched, and `stop` leaves no process and no mount.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil

ETC = Path("/etc/slurm")
NODES = ("node1", "node2")
CPUS = 4
MEMORY = 8000  # MB of a node; declared, not real
PATIENT = 900  # seconds after which a wait is in vain, however busy the machine is


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on, for a cluster beside another."""
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def die_with_parent() -> None:
    """Let a daemon end when the tests are killed (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


@cache
def leave_mounts() -> None:
    """Give this process a mount namespace of its own, once (unshare(2), CLONE_NEWNS): what it mounts, it alone sees."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x20000):
        raise OSError(ctypes.get_errno(), "cannot leave the mount namespace; the cluster needs root")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


class Cluster:
    """slurmctld, munged and a slurmd for each node; with `accounting`, also slurmdbd and its database."""

    def __init__(self, folder: Path, accounting: bool = False) -> None:
        self.folder = folder
        self.accounting = accounting
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}
        self.ports = free_ports(4 + len(NODES))

    def start(self) -> None:
        """Start everything and wait until both nodes are idle."""
        leave_mounts()
        for name in ("state", "spool", "munge"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "munge").chmod(0o711)
        self.write_configuration()
        ETC.mkdir(exist_ok=True)
        subprocess.run(["mount", "--bind", self.folder, ETC], check=True)
        self.start_munge()
        if self.accounting:
            self.start_accounting()
        self.start_controller(clean=True)
        for node in NODES:
            self.start_node(node)
        wait("the nodes are idle", lambda: self.states() == ["idle", "idle"])

    def start_munge(self) -> None:
        """Start the daemon that signs messages, with a key of its own."""
        place = self.folder / "munge"
        key = place / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        options = [f"--key-file={key}", f"--socket={place}/socket", f"--pid-file={place}/pid"]
        options += [f"--log-file={place}/log", f"--seed-file={place}/seed", "--foreground", "--force"]
        self.daemon("munged", "munged", *options)
        wait("munged answers", (place / "socket").exists)

    def start_accounting(self) -> None:
        """Start slurmdbd and its database, which holds nothing yet."""
        data = self.folder / "database"
        make = ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--skip-test-db"]
        subprocess.run([*make, "--auth-root-authentication-method=normal"], check=True, capture_output=True)
        options = [f"--datadir={data}", f"--socket={data}/socket", f"--port={self.ports[2]}", "--user=root"]
        self.daemon("mariadbd", "mariadbd", "--no-defaults", *options, "--bind-address=127.0.0.1")
        grant = "grant all on slurm.* to slurm@'%' identified by 'slurm'"
        call = ["mariadb", "--no-defaults", f"--socket={data}/socket", "--user=root", f"--execute={grant}"]
        wait("the database answers", lambda: not subprocess.run(call, capture_output=True, check=False).returncode)
        configuration = self.folder / "slurmdbd.conf"
        configuration.touch(mode=0o600)  # slurmdbd refuses others
        configuration.write_text(f"""\
AuthType=auth/munge
AuthInfo=socket={self.folder}/munge/socket
SlurmUser=root
DbdHost=localhost
DbdPort={self.ports[3]}
PidFile={self.folder}/slurmdbd.pid
LogFile={self.folder}/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={self.ports[2]}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm
""")
        self.daemon("slurmdbd", "slurmdbd", "-D")
        wait("slurmdbd answers", lambda: output("sacctmgr", "--immediate", "add", "cluster", "test"))

    def start_controller(self, clean: bool = False) -> None:
        """Start slurmctld; `clean` forgets all jobs."""
        self.daemon("slurmctld", "slurmctld", "-D", "-f", str(self.folder / "slurm.conf"), *(["-c"] if clean else []))

    def start_node(self, node: str) -> None:
        """Start the slurmd of a node."""
        self.daemon(node, "slurmd", "-D", "-N", node, "-f", str(self.folder / "slurm.conf"))

    def daemon(self, name: str, *command: str) -> None:
        """Start a daemon whose output goes to NAME.out."""
        with (self.folder / f"{name}.out").open("ab") as out:
            self.daemons[name] = subprocess.Popen(
                command, stdout=out, stderr=out, start_new_session=True, preexec_fn=die_with_parent
            )

    def kill(self, name: str, steps: bool = False) -> None:
        """Kill a daemon as a power cut would; of a node, `steps` also kills the jobs that run on it."""
        lost = [p for p in self.processes() if steps and node_of(p) == name]
        self.daemons.pop(name).kill()
        for process in lost:
            with_suppressed(process.kill)

    def stop(self) -> None:
        """End every process of the cluster and its jobs, and unmount."""
        for process in self.processes():
            with_suppressed(process.kill)
        for daemon in self.daemons.values():
            daemon.terminate()
        for daemon in self.daemons.values():
            daemon.wait(PATIENT)
        subprocess.run(["umount", "--lazy", ETC], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def processes(self) -> list[psutil.Process]:
        """Everything in this mount namespace that belongs to SLURM: step daemons, jobs."""
        here = Path("/proc/self/ns/mnt").readlink()
        found = []
        for process in psutil.process_iter():
            try:
                if Path(f"/proc/{process.pid}/ns/mnt").readlink() == here and (
                    process.name() == "slurmstepd" or "SLURMD_NODENAME" in process.environ()
                ):
                    found.append(process)
            except (OSError, psutil.Error):
                continue
        return found

    def states(self) -> list[str]:
        """The state of every node, as sinfo says."""
        return output("sinfo", "--noheader", "--Node", "--format=%t")

    def write_configuration(self) -> None:
        """Write slurm.conf, and slurmdbd.conf where there is accounting."""
        host, munge = socket.gethostname(), self.folder / "munge/socket"
        account = "none"
        if self.accounting:
            account = f"slurmdbd\nAccountingStorageHost=localhost\nAccountingStoragePort={self.ports[3]}"
            account += f"\nAccountingStoragePass={munge}"
        nodes = "".join(
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={CPUS}"
            f" RealMemory={MEMORY} State=UNKNOWN\n"
            for node, port in zip(NODES, self.ports[4:], strict=True)
        )
        (self.folder / "slurm.conf").write_text(f"""\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={munge}
CredType=cred/munge
SlurmctldPort={self.ports[0]}
SlurmdPort={self.ports[1]}
SlurmctldPidFile={self.folder}/slurmctld.pid
SlurmdPidFile={self.folder}/slurmd.%n.pid
StateSaveLocation={self.folder}/state
SlurmdSpoolDir={self.folder}/spool/%n
SlurmctldLogFile={self.folder}/slurmctld.log
SlurmdLogFile={self.folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=500
SchedulerParameters=sched_interval=5,bf_interval=5,batch_sched_delay=0,defer_batch
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=15
KillWait=20
MinJobAge=300
OverTimeLimit=0
PropagateResourceLimits=NONE
AccountingStorageType=accounting_storage/{account}
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/filetxt
JobCompLoc={self.folder}/completed
{nodes}PartitionName=cpu Nodes=ALL Default=YES State=UP MaxTime=INFINITE LLN=YES
""")


def node_of(process: psutil.Process) -> str | None:
    """The node that a process of a job runs on."""
    try:
        if process.name() == "slurmstepd":
            children = process.children()
            return node_of(children[0]) if children else None
        name: str | None = process.environ().get("SLURMD_NODENAME")
        return name
    except psutil.Error:
        return None


def with_suppressed(act: Callable[[], None]) -> None:
    """Do it, unless the process has gone."""
    with suppress(psutil.Error):
        act()


def output(*command: str) -> list[str]:
    """The words that a command prints; none where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.split()


def wait(what: str, done: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENT
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {PATIENT} s in vain until {what}")
        time.sleep(0.1)
