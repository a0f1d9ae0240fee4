using System.Security.Cryptography;
using Hive.Protocol;

namespace Hive.Features.Forge;

/// <summary>What the forge signs its messages to Hive with, in a file for the host alone. The operator gives it to the forge, or Hive does.</summary>
internal sealed class WebhookSecret(HivePaths paths)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private string FilePath => Path.Combine(paths.DataDir, "forge-webhook-secret");

    /// <summary>The secret; null when there is none yet.</summary>
    public string? Read()
    {
        try
        {
            return File.ReadAllText(FilePath).Trim() is { Length: > 0 } secret ? secret : null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Makes one unless there is one.</summary>
    /// <returns>True when it was made.</returns>
    public bool Ensure()
    {
        if (Read() is not null)
            return false;
        var made = FilePath + ".new";
        File.Delete(made);
        using (var file = new FileStream(made, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private }))
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes(RandomNumberGenerator.GetHexString(64, lowercase: true) + "\n"));
            file.Flush(flushToDisk: true);
        }

        File.Move(made, FilePath, overwrite: true);
        return true;
    }
}
