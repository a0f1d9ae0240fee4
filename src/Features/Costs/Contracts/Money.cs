using System.Globalization;

namespace Hive.Features.Costs.Contracts;

/// <summary>Amounts in millionths of a US dollar.</summary>
internal static class Money
{
    public const long PerUsd = 1_000_000;

    public static double Usd(long micro) => micro / (double)PerUsd;

    public static long Micro(double usd) => (long)Math.Round(usd * PerUsd, MidpointRounding.AwayFromZero);

    /// <summary>US dollars with two digits after the point, or as many as a small amount needs.</summary>
    public static string Words(long micro)
    {
        var usd = micro / (decimal)PerUsd;
        return usd.ToString(usd == decimal.Round(usd, 2) ? "0.00" : "0.00####", CultureInfo.InvariantCulture);
    }
}
