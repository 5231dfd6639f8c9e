import { Draw, drawRows, type ForeignModel, insertRows } from './foreign-model.ts';

/** About two thousandths of the least scale, whose ratios need no fewer suppliers: clause 4.2.5. */
const suppliers = 40;
const parts = 200;
const customers = 150;
const orders = 750;

const regions = ['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'];
/** Clause 4.2.3: each nation with the number of its region. */
const nations: readonly (readonly [string, number])[] = [
  ['ALGERIA', 0],
  ['ARGENTINA', 1],
  ['BRAZIL', 1],
  ['CANADA', 1],
  ['EGYPT', 4],
  ['ETHIOPIA', 0],
  ['FRANCE', 3],
  ['GERMANY', 3],
  ['INDIA', 2],
  ['INDONESIA', 2],
  ['IRAN', 4],
  ['IRAQ', 4],
  ['JAPAN', 2],
  ['JORDAN', 4],
  ['KENYA', 0],
  ['MOROCCO', 0],
  ['MOZAMBIQUE', 0],
  ['PERU', 1],
  ['CHINA', 2],
  ['ROMANIA', 3],
  ['SAUDI ARABIA', 4],
  ['VIETNAM', 2],
  ['RUSSIA', 3],
  ['UNITED KINGDOM', 3],
  ['UNITED STATES', 1],
];
const segments = ['AUTOMOBILE', 'BUILDING', 'FURNITURE', 'MACHINERY', 'HOUSEHOLD'];
const priorities = ['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW'];
const instructions = ['DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'];
const modes = ['REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB'];
const sizes = ['SM', 'LG', 'MED', 'JUMBO', 'WRAP'];
const boxes = ['CASE', 'BOX', 'BAG', 'JAR', 'PKG', 'PACK', 'CAN', 'DRUM'];
const finishes = ['ANODIZED', 'BURNISHED', 'PLATED', 'POLISHED', 'BRUSHED'];
const metals = ['TIN', 'NICKEL', 'BRASS', 'STEEL', 'COPPER'];

const lastDay = '1998-12-31';
const currentDay = '1995-06-17';

/** Clause 4.2.3: the price of a part follows from its key. */
const retailPrice = (key: number): number => 90_000 + (Math.floor(key / 10) % 20_001) + 100 * (key % 1000);

/** The same clause: four suppliers a part, spread over all. */
const supplierOf = (part: number, nth: number): number =>
  ((part + nth * (suppliers / 4 + Math.floor((part - 1) / suppliers))) % suppliers) + 1;

const money = (cents: number): string => (cents / 100).toFixed(2);
const nine = (prefix: string, key: number): string => `${prefix}#${String(key).padStart(9, '0')}`;
const dayAfter = (day: string, count: number): string =>
  new Date(Date.parse(day) + count * 86_400_000).toISOString().slice(0, 10);
const phone = (random: Draw, nation: number): string =>
  `${nation + 10}-${random.between(100, 999)}-${random.between(100, 999)}-${random.between(1000, 9999)}`;
const comment = (random: Draw, most: number): string =>
  Array.from({ length: 30 }, () => random.word())
    .join(' ')
    .slice(0, random.between(4, most))
    .trim();

export const tpch: ForeignModel = {
  name: 'tpch',
  fill: async (source, seed) => {
    await insertRows(
      source,
      'region',
      drawRows(seed, 'region', regions.length, (row, random) => ({
        r_regionkey: row,
        r_name: regions[row],
        r_comment: comment(random, 115),
      })),
    );
    await insertRows(
      source,
      'nation',
      drawRows(seed, 'nation', nations.length, (row, random) => ({
        n_nationkey: row,
        n_name: nations[row]?.[0],
        n_regionkey: nations[row]?.[1],
        n_comment: comment(random, 114),
      })),
    );
    await insertRows(
      source,
      'supplier',
      drawRows(seed, 'supplier', suppliers, (row, random) => {
        const nation = random.below(nations.length);
        return {
          s_suppkey: row + 1,
          s_name: nine('Supplier', row + 1),
          s_address: random.digits(random.between(10, 40)),
          s_nationkey: nation,
          s_phone: phone(random, nation),
          s_acctbal: money(random.between(-99_999, 999_999)),
          s_comment: comment(random, 100),
        };
      }),
    );
    await insertRows(
      source,
      'part',
      drawRows(seed, 'part', parts, (row, random) => {
        const maker = random.between(1, 5);
        return {
          p_partkey: row + 1,
          p_name: Array.from({ length: 5 }, () => random.word()).join(' '),
          p_mfgr: `Manufacturer#${maker}`,
          p_brand: `Brand#${maker}${random.between(1, 5)}`,
          p_type: `STANDARD ${random.one(finishes)} ${random.one(metals)}`,
          p_size: random.between(1, 50),
          p_container: `${random.one(sizes)} ${random.one(boxes)}`,
          p_retailprice: money(retailPrice(row + 1)),
          p_comment: comment(random, 22),
        };
      }),
    );
    await insertRows(
      source,
      'partsupp',
      drawRows(seed, 'partsupp', parts * 4, (row, random) => {
        const part = Math.floor(row / 4) + 1;
        return {
          ps_partkey: part,
          ps_suppkey: supplierOf(part, row % 4),
          ps_availqty: random.between(1, 9999),
          ps_supplycost: money(random.between(100, 100_000)),
          ps_comment: comment(random, 198),
        };
      }),
    );
    await insertRows(
      source,
      'customer',
      drawRows(seed, 'customer', customers, (row, random) => {
        const nation = random.below(nations.length);
        return {
          c_custkey: row + 1,
          c_name: nine('Customer', row + 1),
          c_address: random.digits(random.between(10, 40)),
          c_nationkey: nation,
          c_phone: phone(random, nation),
          c_acctbal: money(random.between(-99_999, 999_999)),
          c_mktsegment: random.one(segments),
          c_comment: comment(random, 116),
        };
      }),
    );
    const lines = Array.from({ length: orders }, (_, row) => drawLines(seed, row));
    await insertRows(
      source,
      'orders',
      drawRows(seed, 'orders', orders, (row, random) => {
        const own = lines[row] ?? [];
        const open = own.filter(({ l_linestatus }) => l_linestatus === 'O').length;
        return {
          o_orderkey: orderKey(row),
          // A third of the customers has no orders.
          o_custkey: 1 + 3 * random.below(customers / 3) + random.below(2),
          o_orderstatus: open === own.length ? 'O' : open === 0 ? 'F' : 'P',
          o_totalprice: money(
            own.reduce((sum, { l_extendedprice }) => sum + Number(l_extendedprice) * 100, 0),
          ),
          o_orderdate: orderDay(seed, row),
          o_orderpriority: random.one(priorities),
          o_clerk: nine('Clerk', random.between(1, 5)),
          o_shippriority: 0,
          o_comment: comment(random, 78),
        };
      }),
    );
    await insertRows(source, 'lineitem', lines.flat());
  },

  change: async (source) => {
    await source.query(`
      update region set r_comment = null where r_regionkey = 1;
      update nation set n_name = 'TÜRKİYE', n_regionkey = 4 where n_nationkey in (6, 7);
      update supplier set s_acctbal = -9999999999999.99, s_comment = E'a\\tb\\\\N' where s_suppkey < 4;
      update customer set c_nationkey = 24, c_comment = '' where c_custkey % 5 = 0;
      update part set p_retailprice = 0.01, p_container = '' where p_partkey % 9 = 0;
      update partsupp set ps_availqty = 0, ps_comment = null where ps_suppkey = 3;
      update orders set o_orderstatus = 'F', o_comment = null where o_custkey < 20;
      update lineitem set l_returnflag = 'R', l_receiptdate = '1998-12-31' where l_shipmode = 'RAIL';
      -- New orders and lines, and lines that exchange their keys.
      insert into customer select 1000 + n, 'New', '', 0, '', 0, 'NEW', null from generate_series(1, 20) n;
      insert into part select 1000 + n, 'new', 'm', 'b', 't', 1, 'c', 1.00, '' from generate_series(1, 10) n;
      insert into partsupp select 1000 + n, 1, 1, 1, null from generate_series(1, 10) n;
      insert into orders select 9000000000 + n, 1001 + n % 20, 'O', n, date '1999-01-01' + n, 'x', '', 1, null
        from generate_series(1, 100) n;
      insert into lineitem
        select 9000000000 + n, 1001 + n % 10, 1, k, 1, 1, 0.1, 0, 'N', 'O', '1999-02-28', '1999-03-01', '2000-02-29', '', '', null
          from generate_series(1, 100) n, generate_series(1, 2) k;
      begin;
      update lineitem set l_linenumber = -l_linenumber where l_orderkey >= 9000000050;
      update lineitem set l_linenumber = 3 + l_linenumber, l_quantity = 9.99 where l_orderkey >= 9000000050;
      commit`);
  },

  moveKeys: async (source, isMirror) => {
    await source.query('update lineitem set l_linenumber = 90 where l_orderkey = 1 and l_linenumber = 1');
    return isMirror ? { lineitem: 1 } : { fact_lineitem: 1 };
  },

  queries: {
    dim_customer: `
      select c_custkey, c_name, c_address, c_nationkey, c_phone, c_acctbal, c_mktsegment, c_comment,
             n_name as nation_n_name, n_comment as nation_n_comment, r_name as region_r_name, r_comment as region_r_comment
        from customer, nation, region where c_nationkey = n_nationkey and n_regionkey = r_regionkey`,
    dim_partsupp: `
      select ps_partkey, ps_suppkey, ps_availqty, ps_supplycost, ps_comment, p_name as part_p_name, p_mfgr as part_p_mfgr,
             p_brand as part_p_brand, p_type as part_p_type, p_size as part_p_size, p_container as part_p_container,
             p_retailprice as part_p_retailprice, p_comment as part_p_comment, s_name as supplier_s_name,
             s_address as supplier_s_address, s_phone as supplier_s_phone, s_acctbal as supplier_s_acctbal,
             s_comment as supplier_s_comment, n_name as nation_n_name, n_comment as nation_n_comment,
             r_name as region_r_name, r_comment as region_r_comment
        from partsupp, part, supplier, nation, region
       where ps_partkey = p_partkey and ps_suppkey = s_suppkey and s_nationkey = n_nationkey
         and n_regionkey = r_regionkey`,
    fact_orders: `
      select o_orderkey, o_custkey, o_orderstatus, o_totalprice, o_orderdate, o_orderpriority, o_clerk, o_shippriority,
             o_comment from orders`,
    fact_lineitem: `
      select l_orderkey, l_partkey, l_suppkey, l_linenumber, l_quantity, l_extendedprice, l_discount, l_tax, l_returnflag,
             l_linestatus, l_shipdate, l_commitdate, l_receiptdate, l_shipinstruct, l_shipmode, l_comment from lineitem`,
  },
  // Of a mirror, which has every table as it is.
  copies: Object.fromEntries(
    ['region', 'nation', 'supplier', 'part', 'partsupp', 'customer', 'orders', 'lineitem'].map((table) => [
      table,
      table,
    ]),
  ),
};

/** Eight keys of every 32 are used: clause 4.2.3. */
const orderKey = (row: number): number => Math.floor(row / 8) * 32 + (row % 8) + 1;

const orderDay = (seed: number, row: number): string =>
  dayAfter('1992-01-01', new Draw(seed, 'order day').at(row).below(2405));

function drawLines(seed: number, row: number): Record<string, unknown>[] {
  const random = new Draw(seed, 'lineitem').at(row);
  const ordered = orderDay(seed, row);
  return Array.from({ length: random.between(1, 7) }, (_, line) => {
    const part = random.between(1, parts);
    const quantity = random.between(1, 50);
    const shipped = dayAfter(ordered, random.between(1, 121));
    const received = dayAfter(shipped, random.between(1, 30));
    return {
      l_orderkey: orderKey(row),
      l_partkey: part,
      l_suppkey: supplierOf(part, random.below(4)),
      l_linenumber: line + 1,
      l_quantity: quantity,
      l_extendedprice: money(quantity * retailPrice(part)),
      l_discount: money(random.between(0, 10)),
      l_tax: money(random.between(0, 8)),
      l_returnflag: received <= currentDay ? random.one(['R', 'A']) : 'N',
      l_linestatus: shipped > currentDay ? 'O' : 'F',
      l_shipdate: shipped,
      l_commitdate: dayAfter(ordered, random.between(30, 90)),
      l_receiptdate: received > lastDay ? lastDay : received,
      l_shipinstruct: random.one(instructions),
      l_shipmode: random.one(modes),
      l_comment: comment(random, 43),
    };
  });
}
