using Hive.Common.Errors;

namespace Hive.Runtimes.Programs;

/// <summary>A program of this machine.</summary>
/// <param name="Path">Its path, with links.</param>
/// <param name="IsShared">A container with this machine's programs finds it by itself.</param>
internal sealed record HostProgram(string Path, bool IsShared)
{
    /// <summary>The file, or the package of a script and its interpreter, which a container needs.</summary>
    public IReadOnlyList<Mount> Mounts { get; init; } = [];

    /// <summary>The file that is started, below <see cref="HostPrograms.Folder"/>.</summary>
    public string Entry { get; init; } = "";

    /// <summary>The program that runs the script, with its path in the container, or its name where the container has
    /// one of its own; null for a program.</summary>
    public string? Interpreter { get; init; }

    /// <summary>Options of the interpreter before the script.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>Why it cannot be mounted; null when it can.</summary>
    public Fault? Fault { get; init; }

    /// <summary>True for a container that gets it by mounts.</summary>
    public bool IsMounted(ContainerPrograms programs) =>
        Fault is null
        && programs switch
        {
            ContainerPrograms.Machine => !IsShared,
            ContainerPrograms.Image => true,
            _ => false,
        };

    /// <summary>Why a container may lack it; null when it has it, or has programs of its own alone.</summary>
    public Fault? FaultIn(ContainerPrograms programs) =>
        programs switch
        {
            ContainerPrograms.Machine when !IsShared => Fault,
            ContainerPrograms.Image => Fault,
            _ => null,
        };

    /// <summary>The script that starts it in a container.</summary>
    public string Launcher =>
        string.Join(
            ' ',
            [
                "#!/bin/sh\nexec",
                .. Interpreter is null ? [] : Options.Prepend(Interpreter).Select(Quoted),
                Quoted($"{HostPrograms.Folder}/{Entry}"),
                "\"$@\"\n",
            ]
        );

    private static string Quoted(string word) => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}

/// <summary>Where the programs in a container come from.</summary>
internal enum ContainerPrograms
{
    /// <summary>It sees all of this machine.</summary>
    All,

    /// <summary>It sees this machine's <c>/usr</c>.</summary>
    Machine,

    /// <summary>From an image, or another root. Its own programs come first.</summary>
    Image,

    /// <summary>From a flake, and nothing is mounted.</summary>
    Flake,
}
