using System.Security.Cryptography;
using Hive.Protocol;

namespace Hive.Features.Forge;

/// <summary>The secret with which the forge signs its webhook, in a file that only the host can read. The operator or
/// Hive gives it to the forge.</summary>
internal sealed class WebhookSecret(HivePaths paths)
{
    private readonly SecretFile file = new(Path.Combine(paths.DataDir, "forge-webhook-secret"));

    /// <summary>The secret; null when there is none yet.</summary>
    public string? Read() => file.Read();

    /// <summary>Creates the secret unless it exists.</summary>
    /// <returns>True when it was created.</returns>
    public bool Ensure()
    {
        if (Read() is not null)
            return false;
        file.Write(RandomNumberGenerator.GetHexString(64, lowercase: true));
        return true;
    }
}
