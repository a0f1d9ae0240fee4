using System.Collections.Concurrent;
using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using System.Linq.Expressions;
using System.Reflection;
using SQLitePCL;

namespace Hive.Common.Storage;

/// <summary>
/// Binds and reads the prepared statements that run for every task, by names as Dapper does: the parameter
/// <c>@Title</c> and the column <c>title</c> belong to the property <c>Title</c>, <c>phase_id</c> to <c>PhaseId</c>. A
/// statement is compiled for its types once. Numbers are <see cref="long"/> or <see cref="double"/>, or null, and
/// nothing is converted: a column that is NULL or has another type than its property is an error. A property without a
/// column keeps its default.
/// </summary>
public static class StatementRecords
{
    // For all connections: a reader that failed is replaced, and compiling costs more than many reads.
    private static readonly ConcurrentDictionary<(string Sql, Type Record), Delegate> Binders = new(),
        Readers = new();

    /// <summary>A connection's prepared statement for an SQL text. The text is a constant, since the statement lives as
    /// long as the connection.</summary>
    /// <param name="db">A connection of the store, within a read or a write.</param>
    /// <param name="sql">The text.</param>
    public static Statement Prepare(this DbConnection db, [ConstantExpected] string sql) =>
        ((CachedConnection)db).PrepareStatement(sql);

    /// <summary>Binds the parameters of a statement to the properties of a record.</summary>
    public static Statement With<T>(this Statement statement, T args)
    {
        if (statement.Binder is not Action<Statement, T> bind)
            statement.Binder = bind =
                (Action<Statement, T>)Binders.GetOrAdd((statement.Sql, typeof(T)), _ => Binder<T>(statement));
        bind(statement, args);
        return statement;
    }

    /// <summary>Runs a statement to its end.</summary>
    /// <returns>How many rows it has changed.</returns>
    public static int Run(this Statement statement)
    {
        while (statement.Step())
            continue;
        return statement.Changes;
    }

    /// <summary>The first number of a statement's first row; null without a row, and where it is NULL.</summary>
    /// <exception cref="DataException">It is not a whole number.</exception>
    public static long? Number(this Statement statement)
    {
        try
        {
            if (!statement.Step())
                return null;
            return statement.TypeOf(0) is raw.SQLITE_INTEGER or raw.SQLITE_NULL
                ? statement.LongOrNull(0)
                : throw Mismatch(statement, 0, "a number");
        }
        finally
        {
            statement.Reset();
        }
    }

    /// <summary>The first row of a statement; null without a row.</summary>
    /// <exception cref="DataException">A column is NULL or has another type than its property.</exception>
    public static T? One<T>(this Statement statement)
        where T : class
    {
        var read = ReaderOf<T>(statement);
        try
        {
            return statement.Step() ? read(statement) : null;
        }
        finally
        {
            statement.Reset();
        }
    }

    /// <summary>All rows of a statement.</summary>
    /// <exception cref="DataException">A column is NULL or has another type than its property.</exception>
    public static List<T> All<T>(this Statement statement)
        where T : class
    {
        List<T> rows = [];
        statement.Each<T>(rows.Add);
        return rows;
    }

    /// <summary>Takes the rows of a statement one after another. The statement ends before this returns: a row that was
    /// read later would come from a connection that serves somebody else by then.</summary>
    /// <exception cref="DataException">A column is NULL or has another type than its property.</exception>
    public static void Each<T>(this Statement statement, Action<T> take)
        where T : class
    {
        var read = ReaderOf<T>(statement);
        try
        {
            while (statement.Step())
                take(read(statement));
        }
        finally
        {
            statement.Reset();
        }
    }

    private static Func<Statement, T> ReaderOf<T>(Statement statement)
    {
        if (statement.Reader is not Func<Statement, T> read)
            statement.Reader = read =
                (Func<Statement, T>)Readers.GetOrAdd((statement.Sql, typeof(T)), _ => Reader<T>(statement));
        return read;
    }

    private static Action<Statement, T> Binder<T>(Statement statement)
    {
        var (of, args) = (Expression.Parameter(typeof(Statement)), Expression.Parameter(typeof(T)));
        var calls = statement.Parameters.Select(
            (name, i) =>
            {
                var property = PropertyOf(typeof(T), name);
                var to = Widened(property);
                return (Expression)
                    Expression.Call(
                        of,
                        typeof(Statement).GetMethod(nameof(Statement.Bind), [typeof(int), to])!,
                        Expression.Constant(i + 1),
                        Expression.Convert(Expression.Property(args, property), to)
                    );
            }
        );
        return Expression
            .Lambda<Action<Statement, T>>(Expression.Block([.. calls, Expression.Empty()]), of, args)
            .Compile();
    }

    private static Func<Statement, T> Reader<T>(Statement statement)
    {
        var of = Expression.Parameter(typeof(Statement));
        var nullability = new NullabilityInfoContext();
        var members = statement.Columns.Select(
            (name, i) =>
            {
                var property = PropertyOf(typeof(T), name);
                var read = property.PropertyType switch
                {
                    var t when t == typeof(long) => nameof(Long),
                    var t when t == typeof(long?) => nameof(LongOrNull),
                    var t when t == typeof(double) => nameof(Double),
                    var t when t == typeof(double?) => nameof(DoubleOrNull),
                    var t when t != typeof(string) => throw Unsupported(property),
                    _ when nullability.Create(property).ReadState == NullabilityState.NotNull => nameof(Text),
                    _ => nameof(TextOrNull),
                };
                return Expression.Bind(
                    property,
                    Expression.Call(typeof(StatementRecords), read, [typeof(T)], of, Expression.Constant(i))
                );
            }
        );
        return Expression
            .Lambda<Func<Statement, T>>(Expression.MemberInit(Expression.New(typeof(T)), members), of)
            .Compile();
    }

    private static long Long<T>(Statement row, int column) =>
        row.TypeOf(column) == raw.SQLITE_INTEGER ? row.Long(column) : throw Mismatch<T>(row, column);

    private static long? LongOrNull<T>(Statement row, int column) =>
        row.TypeOf(column) switch
        {
            raw.SQLITE_INTEGER => row.Long(column),
            raw.SQLITE_NULL => null,
            _ => throw Mismatch<T>(row, column),
        };

    private static double Double<T>(Statement row, int column) =>
        DoubleOrNull<T>(row, column) ?? throw Mismatch<T>(row, column);

    private static double? DoubleOrNull<T>(Statement row, int column) =>
        row.TypeOf(column) switch
        {
            // A whole number of an expression.
            raw.SQLITE_FLOAT or raw.SQLITE_INTEGER => row.Double(column),
            raw.SQLITE_NULL => null,
            _ => throw Mismatch<T>(row, column),
        };

    private static string Text<T>(Statement row, int column) =>
        row.TypeOf(column) == raw.SQLITE_TEXT ? row.Text(column) : throw Mismatch<T>(row, column);

    private static string? TextOrNull<T>(Statement row, int column) =>
        row.TypeOf(column) switch
        {
            raw.SQLITE_TEXT => row.Text(column),
            raw.SQLITE_NULL => null,
            _ => throw Mismatch<T>(row, column),
        };

    private static DataException Mismatch<T>(Statement row, int column)
    {
        var property = PropertyOf(typeof(T), row.Columns.ElementAt(column));
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        return Mismatch(row, column, $"{typeof(T).Name}.{property.Name}, {type.Name}");
    }

    private static DataException Mismatch(Statement row, int column, string wanted)
    {
        var found = row.TypeOf(column) switch
        {
            raw.SQLITE_NULL => "NULL",
            raw.SQLITE_INTEGER => "a whole number",
            raw.SQLITE_FLOAT => "a number with a fraction",
            raw.SQLITE_TEXT => "a text",
            _ => "a BLOB",
        };
        return new DataException(
            $"the column {row.Columns.ElementAt(column)} is {found}, which cannot be {wanted}; the statement is "
                + row.Sql
        );
    }

    private static Type Widened(PropertyInfo property) =>
        (Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType) switch
        {
            var t when t == typeof(string) => t,
            var t when t == typeof(double) => typeof(double?),
            var t when t == typeof(long) || t == typeof(int) => typeof(long?),
            _ => throw Unsupported(property),
        };

    private static InvalidOperationException Unsupported(PropertyInfo property) =>
        new(
            $"{property.DeclaringType!.Name}.{property.Name} is a {property.PropertyType.Name}; a statement has texts, "
                + "long and double"
        );

    private static PropertyInfo PropertyOf(Type type, string name) =>
        type.GetProperty(
            name.Replace("_", "", StringComparison.Ordinal),
            BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase
        ) ?? throw new InvalidOperationException($"{type.Name} does not have a property for {name}");
}
