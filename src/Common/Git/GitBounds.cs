using System.Globalization;
using Hive.Common.Errors;

namespace Hive.Common.Git;

/// <summary>How much <see cref="GitQuarantine"/> takes from one repository, and how its errors name it.</summary>
public sealed record GitBounds
{
    /// <summary>The bounds for an agent's configuration.</summary>
    public static GitBounds Configuration { get; } =
        new()
        {
            Noun = "the configuration",
            Repository = "the configuration's repository",
            Advice = "keep a configuration small, and put large files into an input of their own",
        };

    /// <summary>The content, as errors name it.</summary>
    public required string Noun { get; init; }

    /// <summary>The repository, as errors name it.</summary>
    public required string Repository { get; init; }

    /// <summary>The way out when the content is too large.</summary>
    public required string Advice { get; init; }

    /// <summary>The most bytes of all object files together.</summary>
    public long MaxBytes { get; init; } = 64L << 20;

    /// <summary>The most bytes that a commit may reach, unpacked.</summary>
    public long MaxUnpackedBytes { get; init; } = 256L << 20;

    /// <summary>The most object files and packs.</summary>
    public int MaxFiles { get; init; } = 20_000;

    /// <summary>The most objects that a commit may reach.</summary>
    public int MaxObjects { get; init; } = 200_000;

    /// <summary>A repository without a work tree is taken too: a folder with <c>HEAD</c> and <c>objects</c>.</summary>
    public bool MayBeBare { get; init; }

    /// <summary>The refusal of a repository with more than <see cref="MaxBytes"/>.</summary>
    public Problem TooManyBytes() => Problem.TooLarge($"{Repository} is larger than {Size(MaxBytes)}; {Advice}");

    internal static string Size(long bytes) =>
        bytes >= 1 << 20
            ? string.Create(CultureInfo.InvariantCulture, $"{bytes >> 20} MiB")
            : string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes");

    internal GitCall Call => new() { MaxFileBytes = MaxUnpackedBytes + MaxBytes, MaxOutputBytes = MaxObjects * 42 };
}
