using Hive.Features.Dashboard;

namespace Hive.Host;

/// <summary>The operator's bearer token for scripts.</summary>
internal static class AccessToken
{
    /// <summary>Its owner alone.</summary>
    public const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Where it is kept.</summary>
    public static string PathIn(string dataDir) => Path.Combine(dataDir, "access-token");

    /// <summary>The configured token, or the one in <c>access-token</c>, made at the first start and readable by its
    /// owner alone.</summary>
    public static string Find(string? configured, string dataDir)
    {
        if (configured is not null)
            return configured;
        var path = PathIn(dataDir);
        if (File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 0 } stored)
            return stored;
        var token = OperatorKeys.Secret(32);
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = Mode,
        };
        using var writer = new StreamWriter(path, options);
        writer.WriteLine(token);
        return token;
    }
}
