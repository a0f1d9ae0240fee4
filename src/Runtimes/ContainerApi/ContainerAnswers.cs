using System.Text.Json.Serialization;

namespace Hive.Runtimes.ContainerApi;

// What Hive reads of the answers of Docker's HTTP API; their names are the API's.

/// <summary>What a daemon can do.</summary>
internal sealed record DaemonInfo
{
    public bool MemoryLimit { get; init; }

    public bool SwapLimit { get; init; }

    public bool CpuCfsQuota { get; init; }

    public bool PidsLimit { get; init; }

    // Podman's word; Docker lists it among its options.
    public bool Rootless { get; init; }

    public IReadOnlyList<string>? SecurityOptions { get; init; }

    public bool IsRootless =>
        Rootless || SecurityOptions?.Any(o => o.Contains("name=rootless", StringComparison.Ordinal)) == true;
}

/// <summary>An image.</summary>
internal sealed record ImageDetails(string Id);

/// <summary>A container that was created.</summary>
internal sealed record CreatedContainer(string Id);

/// <summary>How a container that was waited for ended.</summary>
internal sealed record ContainerExit(int StatusCode);

/// <summary>A container in a list.</summary>
internal sealed record ContainerListed(string Id, string State)
{
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    // Paused, it still holds what it held; it is no end.
    public bool IsRunning => State is "running" or "paused" or "stopping" or "restarting";
}

/// <summary>All about one container.</summary>
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

    [JsonPropertyName("OOMKilled")]
    public bool OutOfMemory { get; init; }

    public int ExitCode { get; init; }

    public string? StartedAt { get; init; }

    public bool IsRunning => Running || Paused;
}

internal sealed record ContainerConfig
{
    public IReadOnlyDictionary<string, string>? Labels { get; init; }
}

internal sealed record HostLimits
{
    public long Memory { get; init; }
}

/// <summary>Something that happened to a container.</summary>
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

/// <summary>A program that was run in a container.</summary>
internal sealed record ExecDetails
{
    public int? ExitCode { get; init; }
}

/// <summary>What a daemon says when it refuses.</summary>
internal sealed record DaemonError(string? Message);
