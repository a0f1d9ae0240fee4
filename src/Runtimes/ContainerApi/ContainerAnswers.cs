using System.Text.Json.Serialization;

namespace Hive.Runtimes.ContainerApi;

// The parts of the answers of Docker's HTTP API that Hive reads; their names are the API's.

/// <summary>A daemon's abilities.</summary>
internal sealed record DaemonInfo
{
    public bool MemoryLimit { get; init; }

    public bool SwapLimit { get; init; }

    public bool CpuCfsQuota { get; init; }

    public bool PidsLimit { get; init; }

    // Podman's field; Docker lists it among its options.
    public bool Rootless { get; init; }

    public IReadOnlyList<string>? SecurityOptions { get; init; }

    public bool IsRootless =>
        Rootless || SecurityOptions?.Any(o => o.Contains("name=rootless", StringComparison.Ordinal)) == true;
}

/// <summary>An image.</summary>
internal sealed record ImageDetails(string Id);

/// <summary>A container that was created.</summary>
internal sealed record CreatedContainer(string Id);

/// <summary>The answer to a wait for a container's end.</summary>
internal sealed record ContainerExit(int StatusCode);

/// <summary>A container in a list.</summary>
internal sealed record ContainerListed(string Id, string State)
{
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    // A paused container still holds its resources; it has not ended.
    public bool IsRunning => State is "running" or "paused" or "stopping" or "restarting";
}

/// <summary>The details of one container.</summary>
internal sealed record ContainerDetails(string Id, ContainerState State)
{
    public ContainerConfig? Config { get; init; }

    public HostLimits? HostConfig { get; init; }

    public string? Label(string name) => Config?.Labels?.GetValueOrDefault(name);
}

internal sealed record ContainerState
{
    public bool Running { get; init; }

    public bool Paused { get; init; }

    public string? Status { get; init; }

    [JsonPropertyName("OOMKilled")]
    public bool OutOfMemory { get; init; }

    public int ExitCode { get; init; }

    public string? StartedAt { get; init; }

    // Podman's word while it waits for a container's end, which has no exit code before.
    public bool IsRunning => Running || Paused || Status == "stopping";

    // Somebody removes it by force; podman then answers the exit code 0, whatever ended it (seen with 4.3).
    public bool IsBeingRemoved => Status == "removing";
}

internal sealed record ContainerConfig
{
    public IReadOnlyDictionary<string, string>? Labels { get; init; }
}

internal sealed record HostLimits
{
    public long Memory { get; init; }
}

/// <summary>An event of a container.</summary>
internal sealed record ContainerEvent
{
    public string? Action { get; init; }

    public EventActor? Actor { get; init; }
}

internal sealed record EventActor
{
    [JsonPropertyName("ID")]
    public string? Id { get; init; }

    public IReadOnlyDictionary<string, string>? Attributes { get; init; }
}

/// <summary>The body of a refusal.</summary>
internal sealed record DaemonError(string? Message);
