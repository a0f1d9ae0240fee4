using System.Globalization;
using System.Security.Cryptography;

namespace Hive.Runtimes;

/// <summary>Identifies a build of the harness by the first digits of its file's hash.</summary>
internal static class HarnessIdentity
{
    private const int Digits = 12;
    private const string Missing = "missing";

    private static readonly Lazy<string> Own = new(() => Of(HarnessBinary.Path));

    /// <summary>The identity of this host's harness, as it was at the first call.</summary>
    public static string Text => Own.Value;

    /// <summary>The identity of a file: the hash that the build noted beside it, else the hash of its
    /// content.</summary>
    public static string Of(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
            return Missing;
        if (Noted(file) is { } noted)
            return noted;
        using var content = file.OpenRead();
        return Convert.ToHexStringLower(SHA256.HashData(content))[..Digits];
    }

    // `HASH SIZE SECONDS`: the note is valid while the file has that size and that time of change.
    private static string? Noted(FileInfo file)
    {
        var note = new FileInfo($"{file.FullName}.sha256");
        if (!note.Exists)
            return null;
        var words = File.ReadAllText(note.FullName).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (words is not [var hash, var size, var changed])
            return null;
        var now = new DateTimeOffset(file.LastWriteTimeUtc).ToUnixTimeSeconds();
        return
            hash.Length == 2 * SHA256.HashSizeInBytes
            && size == file.Length.ToString(CultureInfo.InvariantCulture)
            && changed == now.ToString(CultureInfo.InvariantCulture)
            ? hash[..Digits]
            : null;
    }
}
