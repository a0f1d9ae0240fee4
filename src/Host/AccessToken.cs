using Hive.Features.Dashboard;

namespace Hive.Host;

/// <summary>The operator's bearer token for scripts.</summary>
internal static class AccessToken
{
    /// <summary>The mode of its file: only the owner may read and write it.</summary>
    public const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The path of its file.</summary>
    public static string PathIn(string dataDir) => Path.Combine(dataDir, "access-token");

    /// <summary>The configured token, or the one in the file <c>access-token</c>, which the first start creates for its
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
