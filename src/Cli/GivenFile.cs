using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Hive.Protocol;

namespace Hive.Cli;

/// <summary>An argument with the path of a YAML file, or <c>-</c> for standard input.</summary>
internal static class GivenFile
{
    public static Argument<string> Argument() =>
        new("FILE") { Description = "The YAML file; - reads it from standard input" };

    // Of a request, for its other fields.
    private const int OtherFields = 4096;

    /// <summary>Reads the whole file.</summary>
    /// <exception cref="UsageException">It cannot be read, or is over the limit.</exception>
    public static async Task<string> ReadAsync(string file, CancellationToken ct)
    {
        var text = await ReadAllAsync(file, ct);
        var name = file == "-" ? "standard input" : file;
        // Checked here: the socket's own refusal of long lines knows nothing of files.
        Check(name, "bytes", Encoding.UTF8.GetByteCount(text), Limits.YamlBytes);
        Check(
            name,
            "bytes as JSON",
            JsonSerializer.SerializeToUtf8Bytes(text, WireJson.Options).Length,
            Limits.LineBytes - OtherFields
        );
        return text;
    }

    private static void Check(string name, string unit, int count, int limit)
    {
        if (count > limit)
            throw new UsageException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name} has {count} {unit}; the limit is {limit}; shorten it"
                )
            );
    }

    private static async Task<string> ReadAllAsync(string file, CancellationToken ct)
    {
        if (file == "-")
            return await GivenText.ReadAsync(["-"], "", ct) + "\n";
        try
        {
            return await File.ReadAllTextAsync(file, new UTF8Encoding(false, throwOnInvalidBytes: true), ct);
        }
        catch (DecoderFallbackException)
        {
            throw new UsageException($"{file} is not valid UTF-8");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UsageException($"{file} cannot be read: {e.Message}");
        }
    }
}
