using System.Globalization;
using System.Text;

namespace Hive.Agent;

/// <summary>Computes a hash that is the same in every process, for comparisons and names of files (FNV-1a). SHA-256 of
/// .NET needs OpenSSL, which an image may lack.</summary>
internal static class StableHash
{
    private const ulong Start = 14695981039346656037,
        Prime = 1099511628211;

    /// <summary>The hash of a text as 16 hex digits.</summary>
    public static string Of(string text)
    {
        var hash = Start;
        foreach (var b in Encoding.UTF8.GetBytes(text))
            hash = unchecked((hash ^ b) * Prime);
        return hash.ToString("x16", CultureInfo.InvariantCulture);
    }
}
