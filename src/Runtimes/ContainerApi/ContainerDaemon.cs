using Hive.Common.Linux;
using Hive.Protocol.Options;
using Hive.Runtimes.Local;

namespace Hive.Runtimes.ContainerApi;

/// <summary>A daemon that speaks Docker's HTTP API.</summary>
/// <param name="Name">Its name, which is also the name of its runtime and of its command-line program.</param>
/// <param name="Socket">The path of its socket.</param>
/// <param name="Key">The option that sets this path.</param>
/// <param name="StartedBy">The command that starts it.</param>
internal sealed record ContainerDaemon(string Name, string Socket, string Key, string StartedBy)
{
    /// <summary>The network modes in which a container reaches the outside without the machine's loopback, best
    /// first.</summary>
    public required IReadOnlyList<string> Networks { get; init; }

    /// <summary>The mount option that makes the user of a container, such as <c>1000:1000</c>, the owner of a folder in
    /// memory. Without it that user may be unable to write there: runc keeps the mode of the image's own folder,
    /// whatever the request says.</summary>
    public required Func<string, string> OwnedBy { get; init; }

    /// <summary>It takes the name of a file with a filter of system calls, which lies on this machine, and not its
    /// text.</summary>
    public bool ReadsFilterFromFile { get; init; }

    /// <summary>It accepts an error number for the calls that a filter does not name.</summary>
    public bool KnowsDefaultError { get; init; }

    /// <summary>The filter as the daemon takes it; null for its own.</summary>
    /// <param name="folder">Receives the file, where it takes one.</param>
    /// <param name="text">The filter; null for the daemon's own.</param>
    public string? FilterIn(LaunchFolder folder, string? text)
    {
        if (text is null || !ReadsFilterFromFile)
            return text;
        var file = Path.Combine(folder.Path, LaunchFolder.ProfileName);
        // Two daemons of a host may read it while it is written.
        var next = $"{file}.{Guid.NewGuid():N}";
        File.WriteAllText(next, text);
        File.Move(next, file, overwrite: true);
        return file;
    }

    private const string UnixScheme = "unix://";

    public static ContainerDaemon Podman(HiveOptions options)
    {
        var root = Environment.IsPrivilegedProcess;
        var runFolder =
            root ? "/run"
            : Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } own ? own
            : $"/run/user/{LinuxProcess.UserId}";
        return new ContainerDaemon(
            "podman",
            PathIn(options.Podman.Socket ?? $"{runFolder}/podman/podman.sock"),
            "Podman:Socket",
            root ? "systemctl start podman.socket" : "systemctl --user start podman.socket"
        )
        {
            // A bridge also shows what the machine listens on at all of its addresses.
            Networks = ["slirp4netns", "pasta", "bridge"],
            OwnedBy = _ => "U",
            ReadsFilterFromFile = true,
            KnowsDefaultError = true,
        };
    }

    public static ContainerDaemon Docker(HiveOptions options)
    {
        var elsewhere =
            Environment.GetEnvironmentVariable("DOCKER_HOST") is { } host
            && host.StartsWith(UnixScheme, StringComparison.Ordinal)
                ? host
                : null;
        return new ContainerDaemon(
            "docker",
            PathIn(options.Docker.Socket ?? elsewhere ?? "/var/run/docker.sock"),
            "Docker:Socket",
            "systemctl start docker"
        )
        {
            Networks = ["bridge"],
            OwnedBy = user => user.Split(':') is [var id, var group] ? $"uid={id},gid={group}" : $"uid={user}",
        };
    }

    // Both spellings are in use, with the scheme and without.
    private static string PathIn(string address) =>
        address.StartsWith(UnixScheme, StringComparison.Ordinal) ? address[UnixScheme.Length..] : address;
}
